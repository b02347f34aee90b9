// Package enginetest gives tests a DynamoDB to speak to.
package enginetest

import (
	"context"
	"os"
	"sync"
	"testing"

	"roster/infra/local/engine"
)

// start runs the one engine of this test process; it ends with the process.
var start = sync.OnceValues(func() (*engine.Engine, error) {
	return engine.Start(context.Background(), "")
})

// Endpoint returns the base URL of an engine that all tests of this process
// share, empty at first: DYNAMODB_ENDPOINT when that is set, else an engine
// that keeps nothing, started by the first call.
func Endpoint(tb testing.TB) string {
	tb.Helper()
	if endpoint := os.Getenv("DYNAMODB_ENDPOINT"); endpoint != "" {
		return endpoint
	}
	e, err := start()
	if err != nil {
		tb.Fatal(err)
	}
	return e.Endpoint()
}
