// Says how Argo CD and Flux judge an object: one question as JSON a line in, one verdict as JSON a line out. A question
// has an object, and either Argo CD's Lua or the three expressions of Flux.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/ext"
	lua "github.com/yuin/gopher-lua"
)

type question struct {
	Object      map[string]any    `json:"object"`
	Lua         string            `json:"lua"`
	Expressions map[string]string `json:"expressions"`
}

type verdict struct {
	Status  string `json:"status"`
	Message string `json:"message"`
}

func main() {
	if err := answer(bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A verdict is written before the next question is read, so that a caller can wait for it.
func answer(questions *bufio.Reader, verdicts *json.Encoder) error {
	for {
		line, err := questions.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var asked question
		if err := json.Unmarshal(line, &asked); err != nil {
			return err
		}
		judge := argo
		if asked.Lua == "" {
			judge = flux
		}
		result, err := judge(asked)
		if err != nil {
			result = verdict{"Error", err.Error()}
		}
		if err := verdicts.Encode(result); err != nil {
			return err
		}
	}
}

// argo runs the script with the libraries that Argo CD opens without useOpenLibs, and within its second.
func argo(asked question) (verdict, error) {
	state := lua.NewState(lua.Options{SkipOpenLibs: true})
	defer state.Close()
	libraries := map[string]lua.LGFunction{
		lua.LoadLibName: lua.OpenPackage, lua.BaseLibName: lua.OpenBase, lua.TabLibName: lua.OpenTable,
	}
	for _, name := range []string{lua.LoadLibName, lua.BaseLibName, lua.TabLibName} {
		call := lua.P{Fn: state.NewFunction(libraries[name]), Protect: true}
		if err := state.CallByParam(call, lua.LString(name)); err != nil {
			return verdict{}, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	state.SetContext(ctx)
	state.SetGlobal("obj", luaValue(state, asked.Object))
	if err := state.DoString(asked.Lua); err != nil {
		return verdict{}, err
	}
	table, ok := state.Get(-1).(*lua.LTable)
	if !ok {
		return verdict{}, fmt.Errorf("the script returns no table")
	}
	return verdict{lua.LVAsString(table.RawGetString("status")), lua.LVAsString(table.RawGetString("message"))}, nil
}

func luaValue(state *lua.LState, value any) lua.LValue {
	switch value := value.(type) {
	case bool:
		return lua.LBool(value)
	case float64:
		return lua.LNumber(value)
	case string:
		return lua.LString(value)
	case []any:
		table := state.NewTable()
		for _, item := range value {
			table.Append(luaValue(state, item))
		}
		return table
	case map[string]any:
		table := state.NewTable()
		for key, item := range value {
			table.RawSetString(key, luaValue(state, item))
		}
		return table
	}
	return lua.LNil
}

// flux judges as Flux's RFC 0009 says: an old generation is in progress; then inProgress, failed and current are asked.
func flux(asked question) (verdict, error) {
	status, _ := asked.Object["status"].(map[string]any)
	metadata, _ := asked.Object["metadata"].(map[string]any)
	if observed, ok := status["observedGeneration"]; ok && observed != metadata["generation"] {
		return verdict{Status: "InProgress"}, nil
	}
	for _, state := range []struct{ name, status string }{
		{"inProgress", "InProgress"}, {"failed", "Failed"}, {"current", "Current"},
	} {
		expression, ok := asked.Expressions[state.name]
		if !ok {
			continue
		}
		holds, err := evaluate(expression, asked.Object)
		if err != nil {
			return verdict{}, fmt.Errorf("%s: %w", state.name, err)
		}
		if holds {
			return verdict{Status: state.status}, nil
		}
	}
	return verdict{Status: "InProgress"}, nil
}

// evaluate has Flux's environment: an expression is parsed but not type-checked, and its variables are the object's fields.
func evaluate(expression string, object map[string]any) (bool, error) {
	env, err := cel.NewEnv(
		cel.HomogeneousAggregateLiterals(), cel.EagerlyValidateDeclarations(true), cel.DefaultUTCTimeZone(true),
		cel.CrossTypeNumericComparisons(true), cel.OptionalTypes(), ext.Strings(), ext.Sets(), ext.Encoders(),
	)
	if err != nil {
		return false, err
	}
	parsed, issues := env.Parse(expression)
	if issues.Err() != nil {
		return false, issues.Err()
	}
	program, err := env.Program(parsed, cel.EvalOptions(cel.OptOptimize))
	if err != nil {
		return false, err
	}
	value, _, err := program.Eval(object)
	if err != nil {
		return false, err
	}
	holds, ok := value.(types.Bool)
	if !ok {
		return false, fmt.Errorf("%v is no boolean", value)
	}
	return bool(holds), nil
}
