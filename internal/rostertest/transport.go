package rostertest

import (
	"io"
	"net/http"
	"strings"
)

// RoundTrip is a transport for NewWith.
type RoundTrip func(*http.Request) (*http.Response, error)

func (f RoundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// Exception is DynamoDB's answer of that type; members follow its message.
func Exception(name, members string) *http.Response {
	body := `{"__type":"com.amazonaws.dynamodb.v20120810#` + name + `","message":"injected"` + members + `}`
	return &http.Response{
		StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/x-amz-json-1.0"}},
		Body: io.NopCloser(strings.NewReader(body)),
	}
}

// Cancelled is a transaction cancelled for these reasons.
func Cancelled(codes ...string) *http.Response {
	reasons := make([]string, len(codes))
	for i, code := range codes {
		reasons[i] = `{"Code":"` + code + `"}`
	}
	return Exception("TransactionCanceledException", `,"CancellationReasons":[`+strings.Join(reasons, ",")+`]`)
}
