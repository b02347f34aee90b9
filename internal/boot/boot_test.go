package boot_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/api"
	"roster/internal/boot"
	"roster/internal/env"
	"roster/internal/rostertest"
	"roster/internal/route"
)

// serving offers endpoints of these routes.
func serving(ids ...route.ID) boot.Endpoints {
	return func(*env.Env) []api.Endpoint {
		var all []api.Endpoint
		for _, id := range ids {
			all = append(all, api.Handle(id, api.Anyone, func(context.Context, api.Client, struct{}) (struct{}, error) {
				return struct{}{}, nil
			}))
		}
		return all
	}
}

// routesOf lists the routes of a function.
func routesOf(name string) []route.ID {
	var ids []route.ID
	for _, r := range route.All {
		if r.Function == name {
			ids = append(ids, r.ID)
		}
	}
	return ids
}

func TestAFunctionServesItsRoutesAlone(t *testing.T) {
	t.Parallel()
	own := routesOf("keys")
	handler := boot.Handler(rostertest.New(t).Env, "keys", serving(append(own, route.Logout)...))
	for _, r := range route.All {
		response, err := handler(t.Context(), events.APIGatewayV2HTTPRequest{RouteKey: r.Key})
		if err != nil {
			t.Fatal(err)
		}
		if served := response.StatusCode < 300; served != (r.Function == "keys") {
			t.Errorf("%s of %s: %d", r.Key, r.Function, response.StatusCode)
		}
	}
	response, err := handler(t.Context(), events.APIGatewayV2HTTPRequest{RouteKey: route.Default})
	if err != nil || response.StatusCode != http.StatusNotFound {
		t.Errorf("%s: %d, %v", route.Default, response.StatusCode, err)
	}
}

func TestAMissingEndpointFailsByName(t *testing.T) {
	t.Parallel()
	own := routesOf("keys")
	defer func() {
		if p, _ := recover().(string); !strings.Contains(p, "keys") || !strings.Contains(p, string(own[0])) {
			t.Errorf("a function without %s starts: %q", own[0], p)
		}
	}()
	boot.Handler(rostertest.New(t).Env, "keys", serving(own[1:]...))
}

// earlyCloser is a transport that answers before it has read the request's body,
// and reads it when its caller is done, as net/http may.
type earlyCloser struct{ body io.ReadCloser }

func (e *earlyCloser) RoundTrip(r *http.Request) (*http.Response, error) {
	e.body = r.Body
	return httptest.NewRecorder().Result(), nil
}

// closed is a body that cannot be read once it is closed.
type closed struct {
	io.Reader
	done bool
}

func (c *closed) Close() error { c.done = true; return nil }

func (c *closed) Read(b []byte) (int, error) {
	if c.done {
		return 0, errors.New("read after close")
	}
	return c.Reader.Read(b)
}

func TestABufferedBodyOutlivesItsClose(t *testing.T) {
	t.Parallel()
	next := new(earlyCloser)
	original := &closed{Reader: strings.NewReader("the body")}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", original)
	request.ContentLength = -1
	if _, err := (boot.BufferedBody{Next: next}).RoundTrip(request); err != nil {
		t.Fatal(err)
	}
	if !original.done {
		t.Error("the body of the request is left open")
	}
	if request.Body != original || request.ContentLength != -1 {
		t.Error("the caller's request was changed")
	}
	next.body.Close()
	if b, err := io.ReadAll(next.body); err != nil || string(b) != "the body" {
		t.Errorf("%q, %v", b, err)
	}
}

func TestABufferedBodyGoesOutWhole(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		w.Write(append([]byte(r.Method+" "), b...))
	}))
	t.Cleanup(server.Close)
	client := &http.Client{Transport: boot.BufferedBody{Next: http.DefaultTransport}}
	for method, body := range map[string]string{"POST": strings.Repeat("x", 1<<20), "PUT": "", "GET": ""} {
		request, err := http.NewRequestWithContext(t.Context(), method, server.URL, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || string(got) != method+" "+body {
			t.Errorf("%s: %.20q, %v", method, got, err)
		}
	}
}

func TestABodyThatCannotBeReadIsAnError(t *testing.T) {
	t.Parallel()
	broken := &closed{done: true}
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", http.NoBody)
	request.Body = broken
	if _, err := (boot.BufferedBody{Next: new(earlyCloser)}).RoundTrip(request); err == nil {
		t.Error("a request without its body was sent")
	}
}
