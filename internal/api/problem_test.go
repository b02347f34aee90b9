package api_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"

	"roster/internal/api"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/rostertest"
	"roster/internal/route"
	"roster/internal/table"
)

// failing serves a route that always fails so.
func failing(failure func() error) func(*env.Env) []api.Endpoint {
	return func(e *env.Env) []api.Endpoint {
		return []api.Endpoint{
			api.Handle(route.Logout, api.Anyone, func(context.Context, api.Client, struct{}) (struct{}, error) {
				return struct{}{}, failure()
			}),
		}
	}
}

// served returns the answer of a failing route, and the log.
func served(t *testing.T, failure func() error) (events.APIGatewayV2HTTPResponse, map[string]any, string) {
	t.Helper()
	var log bytes.Buffer
	e := &env.Env{Now: time.Now, Log: slog.New(slog.NewJSONHandler(&log, nil))}
	event := events.APIGatewayV2HTTPRequest{
		RouteKey: "POST /auth/logout", RawPath: "/auth/logout", RawQueryString: "token=in-the-query", Body: `{}`,
		Headers: map[string]string{"authorization": "Bearer rk_in-the-header", "user-agent": "in-the-agent"},
	}
	event.RequestContext.RequestID = "the-request"
	event.RequestContext.HTTP.Path = "/auth/in-the-path"
	response, err := api.NewHandler(e, failing(failure)(e))(t.Context(), event)
	if err != nil {
		t.Fatal(err)
	}
	var document map[string]any
	if err := json.Unmarshal([]byte(response.Body), &document); err != nil {
		t.Fatal(err)
	}
	return response, document, log.String()
}

func TestEveryKindHasItsStatus(t *testing.T) {
	t.Parallel()
	for kind, status := range map[fault.Kind]int{
		fault.Malformed: 400, fault.Invalid: 422, fault.Unauthenticated: 401, fault.Forbidden: 403, fault.NotFound: 404,
		fault.Conflict: 409, fault.Gone: 410, fault.Precondition: 412, fault.TooLarge: 413, fault.MediaType: 415,
		fault.TooMany: 429, fault.Unavailable: 503, fault.Unavailable + 1: 500, 0: 500,
	} {
		response, document, log := served(t, func() error { return fmt.Errorf("wrapped: %w", fault.New(kind, "the_code", "The detail.")) })
		want := map[string]any{
			"type": "urn:roster:problem:the_code", "title": http.StatusText(status), "status": float64(status),
			"detail": "The detail.", "code": "the_code", "request_id": "the-request", "success": false,
		}
		if response.StatusCode != status || !maps.EqualFunc(document, want, func(a, b any) bool { return a == b }) {
			t.Errorf("kind %d: %d %s", kind, response.StatusCode, response.Body)
		}
		if failed := strings.Contains(log, `"request failed"`); failed != (status >= 500) {
			t.Errorf("kind %d is logged as a failure: %t\n%s", kind, failed, log)
		}
		if challenge := response.Headers["www-authenticate"]; (challenge != "") != (status == 401) {
			t.Errorf("status %d with WWW-Authenticate %q", status, challenge)
		}
	}
}

func TestInternalErrorsStayInside(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]func() error{
		"error": func() error { return errors.New("the cause") },
		"panic": func() error { panic("the cause") },
		"nil dereference": func() error {
			var r *table.Refused
			return r.Reasons[0]
		},
	} {
		response, document, log := served(t, failure)
		if response.StatusCode != 500 || document["code"] != "internal" || document["request_id"] != "the-request" {
			t.Errorf("%s: %d %s", name, response.StatusCode, response.Body)
		}
		for _, internal := range []string{"the cause", "goroutine", ".go", "nil pointer"} {
			if strings.Contains(response.Body, internal) {
				t.Errorf("%s: the answer shows %q: %s", name, internal, response.Body)
			}
		}
		if !strings.Contains(log, "the-request") || name != "nil dereference" && !strings.Contains(log, "the cause") {
			t.Errorf("%s: the cause cannot be found in the log: %s", name, log)
		}
		if name != "error" && !strings.Contains(log, "problem_test.go") {
			t.Errorf("%s: the log has no stack: %s", name, log)
		}
	}
}

func TestLogsHoldNothingOfTheRequest(t *testing.T) {
	t.Parallel()
	for _, failure := range []func() error{
		func() error { return nil },
		func() error { return errors.New("x") },
		func() error { return fault.InvalidField("/email", "is not an e-mail address") },
		func() error { panic("x") },
	} {
		if _, _, log := served(t, failure); strings.Contains(log, "in-the-") || !strings.Contains(log, `"route":"logout"`) {
			t.Errorf("log: %s", log)
		}
	}
}

func TestMembersOfAProblem(t *testing.T) {
	t.Parallel()
	response, document, _ := served(t, func() error {
		return fault.New(fault.TooMany, "over_limit", "Over.").With("allowed", false).With("status", "forged").
			With("success", true).WithRetryAfter(1500 * time.Millisecond)
	})
	if document["allowed"] != false || document["status"] != 429.0 || document["success"] != false {
		t.Errorf("%s", response.Body)
	}
	if got := response.Headers["retry-after"]; got != "2" {
		t.Errorf("Retry-After %q", got)
	}
	_, document, _ = served(t, func() error {
		return fault.InvalidFields(fault.Field{Pointer: "/a", Reason: "is a"}, fault.Field{Parameter: "b", Reason: "is b"})
	})
	want := []any{map[string]any{"pointer": "/a", "reason": "is a"}, map[string]any{"parameter": "b", "reason": "is b"}}
	if got, _ := document["errors"].([]any); !slices.EqualFunc(got, want, func(a, b any) bool {
		return maps.Equal(a.(map[string]any), b.(map[string]any))
	}) {
		t.Errorf("errors %v", got)
	}
}

func TestUnavailableStorageAsksToComeBack(t *testing.T) {
	t.Parallel()
	r := rostertest.NewWith(t, func(http.RoundTripper) http.RoundTripper {
		return rostertest.RoundTrip(func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host of storage") })
	}, func(e *env.Env) []api.Endpoint {
		return failing(func() error {
			return e.Table.Transact(t.Context(), table.Write{Key: table.Setup(), Delete: true})
		})(e)
	})
	got := r.Refused(t, 503, "storage_unavailable", "POST /auth/logout", "", nil)
	isProblem(t, got)
	if got.Header.Get("Retry-After") != "1" || strings.Contains(string(got.Raw), "host of storage") {
		t.Errorf("%v\n%s", got.Header, got.Raw)
	}
}

func TestUnknownRoutes(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, echoes)
	for _, request := range []string{"GET /nothing", "POST /nothing", "DELETE /" + strings.Repeat("x", 5000)} {
		isProblem(t, r.Refused(t, 404, "no_such_route", request, "", nil))
	}
}
