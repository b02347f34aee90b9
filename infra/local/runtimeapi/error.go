package runtimeapi

import (
	"encoding/json"
	"io"
	"net/http"
)

// FunctionError is an error that the function itself reported: one returned by
// its handler, a panic, or a failed initialization.
type FunctionError struct {
	Type    string `json:"errorType"` // for Go, the name of the error's type
	Message string `json:"errorMessage"`
}

func (e *FunctionError) Error() string {
	return e.Type + ": " + e.Message
}

// readError takes the error from the body, or, where that is not of the
// documented form, from the header and the body's text.
func readError(r *http.Request) *FunctionError {
	e := &FunctionError{Type: r.Header.Get("Lambda-Runtime-Function-Error-Type")}
	body, err := io.ReadAll(io.LimitReader(r.Body, MaxPayload))
	if err != nil || json.Unmarshal(body, e) != nil {
		e.Message = string(body)
	}
	return e
}
