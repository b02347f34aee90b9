// A function that does what its environment and its events tell it to do.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

func main() {
	switch os.Getenv("ON_INIT") {
	case "exit":
		os.Exit(3)
	case "error":
		reportInitError()
		os.Exit(1)
	case "hang":
		time.Sleep(time.Hour)
	}
	lambda.Start(handler{})
}

func reportInitError() {
	url := "http://" + os.Getenv("AWS_LAMBDA_RUNTIME_API") + "/2018-06-01/runtime/init/error"
	body := strings.NewReader(`{"errorType":"ConfigError","errorMessage":"TABLE is not set"}`)
	if _, err := http.Post(url, "application/json", body); err != nil {
		panic(err)
	}
}

type refusal struct{}

func (refusal) Error() string { return "no such member" }

type handler struct{}

// Invoke does what the event's "do" says, and else answers with the event.
func (handler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var command struct {
		Do, Path string
		Bytes    int
	}
	_ = json.Unmarshal(event, &command)

	switch command.Do {
	case "fail":
		return nil, refusal{}
	case "panic":
		panic(errors.New("index out of range"))
	case "exit":
		os.Exit(4)
	case "answer bytes":
		return []byte(strings.Repeat("x", command.Bytes)), nil
	case "wait for file":
		for {
			if _, err := os.Stat(command.Path); err == nil {
				break
			}
			time.Sleep(time.Millisecond)
		}
	case "describe":
		return describe(ctx)
	}
	return event, nil
}

func describe(ctx context.Context) ([]byte, error) {
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return json.Marshal(map[string]any{
		"pid":         os.Getpid(),
		"request_id":  lc.AwsRequestID,
		"arn":         lc.InvokedFunctionArn,
		"deadline":    deadline,
		"trace_id":    os.Getenv("_X_AMZN_TRACE_ID"),
		"environment": os.Environ(),
	})
}
