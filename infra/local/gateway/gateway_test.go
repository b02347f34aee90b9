package gateway_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/events"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"roster/infra/local/gateway"
)

// function answers every event with what it returns.
type function func(events.APIGatewayV2HTTPRequest) (any, error)

func (f function) Invoke(_ context.Context, payload []byte) ([]byte, error) {
	var event events.APIGatewayV2HTTPRequest
	if err := json.Unmarshal(payload, &event); err != nil {
		return nil, err
	}
	response, err := f(event)
	if err != nil {
		return nil, err
	}
	if raw, ok := response.(string); ok {
		return []byte(raw), nil
	}
	return json.Marshal(response)
}

func TestEvent(t *testing.T) {
	t.Parallel()
	const routeKey = "POST /api/organizations/{org_id}/members/{user_id}"
	r := httptest.NewRequest("POST", "/api/organizations/o%2F1/members/a%20b?role=admin&role=viewer&q=x%20y&flag", nil)
	r.Host = "roster.example:8080"
	r.RemoteAddr = "192.0.2.7:50000"
	r.Header = http.Header{
		"Content-Type":    {"application/json; charset=utf-8"},
		"User-Agent":      {"curl/8"},
		"X-Tag":           {"one", "two"},
		"Cookie":          {"a=1; b=2", "c=3"},
		"X-Forwarded-For": {"198.51.100.1"},
	}
	r.SetPathValue("org_id", "o/1")
	r.SetPathValue("user_id", "a b")
	now := time.Date(2026, 11, 22, 9, 30, 15, 250e6, time.FixedZone("", 3600))

	got := gateway.Event(r, routeKey, []byte(`{"role":"admin"}`), "req-1", now)

	want := events.APIGatewayV2HTTPRequest{
		Version:        "2.0",
		RouteKey:       routeKey,
		RawPath:        "/api/organizations/o/1/members/a b",
		RawQueryString: "role=admin&role=viewer&q=x%20y&flag",
		Cookies:        []string{"a=1", "b=2", "c=3"},
		Headers: map[string]string{
			"content-type":      "application/json; charset=utf-8",
			"host":              "roster.example:8080",
			"user-agent":        "curl/8",
			"x-forwarded-for":   "198.51.100.1, 192.0.2.7",
			"x-forwarded-proto": "http",
			"x-tag":             "one,two",
		},
		QueryStringParameters: map[string]string{"role": "admin,viewer", "q": "x y", "flag": ""},
		PathParameters:        map[string]string{"org_id": "o/1", "user_id": "a b"},
		RequestContext: events.APIGatewayV2HTTPRequestContext{
			RouteKey:     routeKey,
			AccountID:    "000000000000",
			Stage:        "$default",
			RequestID:    "req-1",
			APIID:        "local",
			DomainName:   "roster.example",
			DomainPrefix: "roster",
			Time:         "22/Nov/2026:08:30:15 +0000",
			TimeEpoch:    1795336215250,
			HTTP: events.APIGatewayV2HTTPRequestContextHTTPDescription{
				Method:    "POST",
				Path:      "/api/organizations/o/1/members/a b",
				Protocol:  "HTTP/1.1",
				SourceIP:  "192.0.2.7",
				UserAgent: "curl/8",
			},
		},
		Body: `{"role":"admin"}`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestSourceIP(t *testing.T) {
	t.Parallel()
	tests := []struct{ peer, forwarded, want string }{
		{"192.0.2.7:1", "", "192.0.2.7"},
		{"192.0.2.7:1", "198.51.100.1", "192.0.2.7"},
		{"127.0.0.1:1", "", "127.0.0.1"},
		{"127.0.0.1:1", "203.0.113.9, 198.51.100.1", "198.51.100.1"},
		{"[::1]:1", "198.51.100.1", "198.51.100.1"},
		{"[::ffff:127.0.0.1]:1", "198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:1", "::ffff:198.51.100.1", "198.51.100.1"},
		{"127.0.0.1:1", "2001:0DB8::0001", "2001:db8::1"},
		{"127.0.0.1:1", "198.51.100.1, unknown", "127.0.0.1"},
		{"127.0.0.1:1", "198.51.100.1:80", "127.0.0.1"},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.peer
		if tt.forwarded != "" {
			r.Header.Set("X-Forwarded-For", tt.forwarded)
		}
		got := gateway.Event(r, "$default", nil, "r", time.Now()).RequestContext.HTTP.SourceIP
		if got != tt.want {
			t.Errorf("peer %s, forwarded for %q: source %q, want %q", tt.peer, tt.forwarded, got, tt.want)
		}
	}
}

func TestALongForwardedForIsNoSource(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 3000)
	for _, forwarded := range []string{long, "198.51.100.1, " + long, "fe80::1%" + long, "198.51.100.1,"} {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = "127.0.0.1:1"
		r.Header.Set("X-Forwarded-For", forwarded)
		event := gateway.Event(r, "$default", nil, "r", time.Now())
		if got := event.RequestContext.HTTP.SourceIP; got != "127.0.0.1" {
			t.Errorf("forwarded for %.40q: source %.40q, want the peer", forwarded, got)
		}
		if got := event.Headers["x-forwarded-for"]; !strings.HasSuffix(got, ", 127.0.0.1") {
			t.Errorf("forwarded for %.40q: the peer is not named in %.40q", forwarded, got)
		}
	}
}

func TestBodyEncoding(t *testing.T) {
	t.Parallel()
	tests := []struct {
		contentType, body string
		encoded           bool
	}{
		{"application/json", `{}`, false},
		{"Application/JSON; charset=utf-8", `{}`, false},
		{"application/javascript", `1`, false},
		{"application/xml", `<a/>`, false},
		{"text/csv", "a,b", false},
		{"application/merge-patch+json", `{}`, true},
		{"application/x-www-form-urlencoded", "a=b", true},
		{"application/octet-stream", "x", true},
		{"", "x", true},
		{"text/plain", "\xff", true},
		{"application/octet-stream", "", false},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("POST", "/", nil)
		r.Header.Set("Content-Type", tt.contentType)
		if got := gateway.Event(r, "$default", []byte(tt.body), "r", time.Now()); got.IsBase64Encoded != tt.encoded {
			t.Errorf("%q, body %q: base64 %v, want %v", tt.contentType, tt.body, got.IsBase64Encoded, tt.encoded)
		}
	}
}

func TestBytesSurviveTheRoundTrip(t *testing.T) {
	t.Parallel()
	echo := gateway.Handler("POST /echo", function(func(e events.APIGatewayV2HTTPRequest) (any, error) {
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: e.Body, IsBase64Encoded: e.IsBase64Encoded}, nil
	}))
	rapid.Check(t, func(t *rapid.T) {
		body := rapid.SliceOf(rapid.Byte()).Draw(t, "body")
		r := httptest.NewRequest("POST", "/echo", bytes.NewReader(body))
		r.Header.Set("Content-Type", rapid.SampledFrom([]string{"application/json", "text/plain", "image/png", ""}).Draw(t, "type"))
		w := httptest.NewRecorder()
		echo.ServeHTTP(w, r)
		if !bytes.Equal(w.Body.Bytes(), body) {
			t.Fatalf("sent %q, got %d %q", body, w.Code, w.Body)
		}
	})
}

func TestPathParametersComeFromTheMux(t *testing.T) {
	t.Parallel()
	const routeKey = "GET /api/organizations/{org_id}/members/{user_id}"
	mux := http.NewServeMux()
	mux.Handle(routeKey, gateway.Handler(routeKey, function(func(e events.APIGatewayV2HTTPRequest) (any, error) {
		return e.PathParameters, nil
	})))
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequest("GET", "/api/organizations/org_1/members/a%2Fb%20c", nil))
	if got, want := w.Body.String(), `{"org_id":"org_1","user_id":"a/b c"}`; got != want {
		t.Errorf("path parameters %s, want %s", got, want)
	}
}

func TestResponses(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name        string
		response    any
		status      int
		contentType string
		body        string
	}{
		{"whole", events.APIGatewayV2HTTPResponse{StatusCode: 201, Headers: map[string]string{"content-type": "text/csv"}, Body: "a,b"}, 201, "text/csv", "a,b"},
		{"no content type", events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "hi"}, 200, "text/plain;charset=UTF-8", "hi"},
		{"base64", events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "/wA=", IsBase64Encoded: true}, 200, "text/plain;charset=UTF-8", "\xff\x00"},
		{"wrong length", events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: map[string]string{"Content-Length": "1"}, Body: "hi"}, 200, "text/plain;charset=UTF-8", "hi"},
		{"no status code", `{"message":"hi"}`, 200, "application/json", `{"message":"hi"}`},
		{"a string", `"hi"`, 200, "application/json", `"hi"`},
		{"status code 0", events.APIGatewayV2HTTPResponse{Body: "hi"}, 500, "application/json", `{"message":"Internal Server Error"}` + "\n"},
		{"status code of the wrong type", `{"statusCode":200,"body":{}}`, 500, "application/json", `{"message":"Internal Server Error"}` + "\n"},
		{"not base64", events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: "?", IsBase64Encoded: true}, 500, "application/json", `{"message":"Internal Server Error"}` + "\n"},
		{"not JSON", `<html>`, 500, "application/json", `{"message":"Internal Server Error"}` + "\n"},
		{"error", nil, 500, "application/json", `{"message":"Internal Server Error"}` + "\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			w := get(t, function(func(events.APIGatewayV2HTTPRequest) (any, error) {
				if tt.response == nil {
					return nil, errors.New("no such table")
				}
				return tt.response, nil
			}), "GET", nil)
			if w.status != tt.status || w.header.Get("Content-Type") != tt.contentType || w.body != tt.body {
				t.Errorf("got %d %q %q, want %d %q %q", w.status, w.header.Get("Content-Type"), w.body, tt.status, tt.contentType, tt.body)
			}
			if w.header.Get("Apigw-Requestid") == "" {
				t.Error("the answer has no request id")
			}
		})
	}
}

func TestEachCookieIsAHeader(t *testing.T) {
	t.Parallel()
	w := get(t, function(func(events.APIGatewayV2HTTPRequest) (any, error) {
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Cookies: []string{"a=1; Secure", "b=2"}}, nil
	}), "GET", nil)
	if diff := cmp.Diff([]string{"a=1; Secure", "b=2"}, w.header.Values("Set-Cookie")); diff != "" {
		t.Error(diff)
	}
}

func TestHeadHasHeadersOnly(t *testing.T) {
	t.Parallel()
	w := get(t, function(func(e events.APIGatewayV2HTTPRequest) (any, error) {
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Headers: map[string]string{"X-Method": e.RequestContext.HTTP.Method}, Body: "hi"}, nil
	}), "HEAD", nil)
	if w.status != 200 || w.header.Get("X-Method") != "HEAD" || w.body != "" {
		t.Errorf("got %d %v %q", w.status, w.header, w.body)
	}
}

func TestPanicIsAServerError(t *testing.T) {
	t.Parallel()
	w := get(t, function(func(events.APIGatewayV2HTTPRequest) (any, error) { panic("out of range") }), "GET", nil)
	if w.status != 500 {
		t.Errorf("status %d, want 500", w.status)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	length := function(func(e events.APIGatewayV2HTTPRequest) (any, error) {
		return events.APIGatewayV2HTTPResponse{StatusCode: 200, Body: e.Headers["content-length"]}, nil
	})
	for _, size := range []int{10<<20 + 1, 6 << 20} { // the gateway's limit, and Lambda's with the envelope
		w := get(t, length, "POST", strings.NewReader(strings.Repeat("x", size)))
		if w.status != 413 || w.body != `{"message":"Request Too Long"}`+"\n" {
			t.Errorf("%d bytes: %d %q", size, w.status, w.body)
		}
	}
	if w := get(t, length, "POST", strings.NewReader(strings.Repeat("x", 5<<20))); w.status != 200 || w.body != "5242880" {
		t.Errorf("5 MB: %d %q", w.status, w.body)
	}
}

type answer struct {
	status int
	header http.Header
	body   string
}

// get sends a request over the wire to a gateway in front of fn.
func get(t *testing.T, fn function, method string, body io.Reader) answer {
	t.Helper()
	server := httptest.NewServer(gateway.Handler("$default", fn))
	defer server.Close()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "text/plain")
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(text)}
}
