package invocation_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"roster/infra/local/invocation"
)

func TestCallReachesTheHandler(t *testing.T) {
	t.Parallel()
	fn := lambda.NewHandler(func(ctx context.Context, in string) (string, error) {
		lc, _ := lambdacontext.FromContext(ctx)
		return in + " as " + lc.AwsRequestID, nil
	})
	got, err := invocation.Call(t.Context(), fn, "r-1", []byte(`"hello"`))
	if err != nil || string(got) != `"hello as r-1"` {
		t.Errorf("Call() = %q, %v", got, err)
	}
}

func TestCallerCannotCancelTheFunction(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	fn := lambda.NewHandler(func(ctx context.Context) error { return ctx.Err() })
	if _, err := invocation.Call(ctx, fn, "r-1", []byte("{}")); err != nil {
		t.Errorf("the function saw %v", err)
	}
}

func TestCallFails(t *testing.T) {
	t.Parallel()
	big := strings.Repeat("x", 6<<20)
	tests := []struct {
		name    string
		fn      any
		payload string
		want    string
	}{
		{"error", func() error { return errors.New("no such table") }, `{}`, "no such table"},
		{"panic", func() { panic("out of range") }, `{}`, "panic: out of range"},
		{"large payload", func() {}, `"` + big + `"`, "payload exceeds"},
		{"large response", func() (string, error) { return big, nil }, `{}`, "response of 6291458 bytes exceeds"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := invocation.Call(t.Context(), lambda.NewHandler(tt.fn), "r-1", []byte(tt.payload))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("Call() = %v, want %q", err, tt.want)
			}
		})
	}
}
