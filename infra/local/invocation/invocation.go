// Package invocation calls a Lambda handler inside this process the way the
// Lambda service would.
package invocation

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// maxPayload bounds requests and responses in bytes. Lambda quotas: 6 MB each
// for a synchronous invocation.
const maxPayload = 6 << 20

// ErrTooLarge is Call's error for a payload that Lambda would not accept.
var ErrTooLarge = errors.New("invocation: the payload exceeds Lambda's limit of 6 MB")

// Call invokes fn with a JSON payload and returns its JSON response. As in
// Lambda, the caller's cancellation does not reach the function, its request id
// stands in the context, a panic is an error, and so is a payload or response
// of more than 6 MB ([ErrTooLarge] when it is the payload).
//
// Unlike in Lambda, one fn serves many calls at once. A handler made by
// [lambda.NewHandler] must not: it takes its response buffers from a pool and
// returns them to it too early, so that calls see each other's responses.
func Call(ctx context.Context, fn lambda.Handler, requestID string, payload []byte) (response []byte, err error) {
	if len(payload) > maxPayload {
		return nil, ErrTooLarge
	}
	defer func() {
		if cause := recover(); cause != nil {
			err = fmt.Errorf("invocation: panic: %v\n%s", cause, debug.Stack())
		}
	}()
	ctx = lambdacontext.NewContext(context.WithoutCancel(ctx), &lambdacontext.LambdaContext{AwsRequestID: requestID})
	response, err = fn.Invoke(ctx, payload)
	if err != nil {
		return nil, err
	}
	if len(response) > maxPayload {
		return nil, fmt.Errorf("invocation: the response of %d bytes exceeds Lambda's limit of 6 MB", len(response))
	}
	return response, nil
}
