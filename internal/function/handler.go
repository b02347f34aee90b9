package function

import (
	"context"
	"encoding/json" // as aws-lambda-go does: its events are written for it
)

// Handler makes a function of an event a lambda.Handler. Unlike that of
// lambda.NewHandler it may run many times at once, as it does on one machine.
type Handler[In, Out any] func(context.Context, In) (Out, error)

// Invoke decodes the event, handles it and encodes the answer.
func (h Handler[In, Out]) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	var in In
	if err := json.Unmarshal(payload, &in); err != nil {
		return nil, err
	}
	out, err := h(ctx, in)
	if err != nil {
		return nil, err
	}
	return json.Marshal(out)
}

// Answering makes a function of an event a lambda.Handler.
func Answering[In, Out any](handle func(context.Context, In) (Out, error)) Handler[In, Out] {
	return handle
}

// Silent makes a function that answers nothing a lambda.Handler.
func Silent[In any](handle func(context.Context, In) error) Handler[In, any] {
	return func(ctx context.Context, in In) (any, error) { return nil, handle(ctx, in) }
}
