"""The triggers, a file a kind: each looks at what is there now, and compares it with what was used last."""
