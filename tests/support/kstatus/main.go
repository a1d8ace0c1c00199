// Says what kstatus makes of objects: one object as JSON a line in, one verdict as JSON a line out.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/cli-utils/pkg/kstatus/status"
)

type verdict struct {
	Status  status.Status `json:"status"`
	Message string        `json:"message"`
}

func main() {
	if err := answer(bufio.NewReader(os.Stdin), json.NewEncoder(os.Stdout)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A verdict is written before the next object is read, so that a caller can wait for it.
func answer(objects *bufio.Reader, verdicts *json.Encoder) error {
	for {
		line, err := objects.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		var object unstructured.Unstructured
		if err := object.UnmarshalJSON(line); err != nil {
			return err
		}
		result, err := status.Compute(&object)
		if err != nil {
			return err
		}
		if err := verdicts.Encode(verdict{result.Status, result.Message}); err != nil {
			return err
		}
	}
}
