// Package api is the way from an API Gateway event to a use case and back: it
// finds the endpoint, authenticates, decodes strictly, keeps idempotency keys,
// and writes the answer or a problem document. It alone knows status numbers.
package api

import (
	"context"
	"encoding/base64"
	"log/slog"
	"net/http"
	"reflect"
	"runtime/debug"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/events"

	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/function"
	"roster/internal/route"
)

// MaxBody is the largest request body, in bytes.
const MaxBody = 5 << 20

// Request is a request on its way to an endpoint.
type Request struct {
	Route route.Route
	Event *events.APIGatewayV2HTTPRequest
	Body  []byte
	env   *env.Env
}

// Path returns a parameter of the path.
func (r *Request) Path(name string) string { return r.Event.PathParameters[name] }

// Header returns a header; names are case-insensitive.
func (r *Request) Header(name string) string { return r.Event.Headers[strings.ToLower(name)] }

// Bearer returns the credential of the Authorization header.
func (r *Request) Bearer() (string, bool) {
	scheme, credential, ok := strings.Cut(r.Header("Authorization"), " ")
	credential = strings.TrimSpace(credential)
	return credential, ok && strings.EqualFold(scheme, "Bearer") && credential != ""
}

// Client says where a request comes from.
func (r *Request) Client() Client {
	agent := r.Event.RequestContext.HTTP.UserAgent
	return Client{
		IP:    r.Event.RequestContext.HTTP.SourceIP,
		Agent: strings.ToValidUTF8(agent[:min(len(agent), maxAgent)], ""),
	}
}

// Client is who calls a public route.
type Client struct {
	IP string
	// Agent is the beginning of the User-Agent header, at most 200 bytes: it is
	// stored with sessions and audit events.
	Agent string
}

const maxAgent = 200

// Anyone is the authentication of public routes: none.
func Anyone(_ context.Context, r *Request) (Client, error) { return r.Client(), nil }

// Endpoint is a route with the use case behind it.
type Endpoint struct {
	Route route.Route
	// In and Out are the types of the request and the answer.
	In, Out reflect.Type
	// UseCase is the name of the Go function behind the route.
	UseCase string
	serve   func(context.Context, *Request) (*Response, error)
}

// Response is an answer before it becomes an event.
type Response struct {
	Status  int
	Headers map[string]string
	Body    []byte
}

// Handler answers API Gateway events.
type Handler = function.Handler[events.APIGatewayV2HTTPRequest, events.APIGatewayV2HTTPResponse]

var (
	errNoRoute  = fault.New(fault.NotFound, "no_such_route", "There is no such route.")
	errTooLarge = fault.New(fault.TooLarge, "body_too_large", "The request body exceeds 5 MB.")
	errBody     = fault.New(fault.Malformed, "malformed_body", "The request body is not valid base64.")
)

// NewHandler serves the endpoints, and answers every other route with a 404.
func NewHandler(env *env.Env, endpoints []Endpoint) Handler {
	byKey := make(map[string]Endpoint, len(endpoints))
	for _, e := range endpoints {
		byKey[e.Route.Key] = e
	}
	return func(ctx context.Context, event events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		began := time.Now()
		endpoint, known := byKey[event.RouteKey]
		response, err := serve(ctx, env, endpoint, known, &event)
		if err != nil {
			response = problem(env, endpoint.Route, event.RequestContext.RequestID, err)
		}
		env.Log.LogAttrs(ctx, slog.LevelInfo, "request",
			slog.String("route", string(endpoint.Route.ID)),
			slog.Int("status", response.Status),
			slog.String("code", codeOf(err)),
			slog.String("request_id", event.RequestContext.RequestID),
			slog.Duration("took", time.Since(began)))
		return reply(event.RequestContext.RequestID, response), nil
	}
}

func serve(ctx context.Context, env *env.Env, endpoint Endpoint, known bool, event *events.APIGatewayV2HTTPRequest) (_ *Response, err error) {
	defer func() {
		if p := recover(); p != nil {
			env.Log.ErrorContext(ctx, "panic", "panic", p, "stack", string(debug.Stack()))
			err = errPanic
		}
	}()
	body := []byte(event.Body)
	if event.IsBase64Encoded {
		if body, err = base64.StdEncoding.DecodeString(event.Body); err != nil {
			return nil, errBody
		}
	}
	switch {
	case !known:
		return nil, errNoRoute
	case len(body) > MaxBody:
		return nil, errTooLarge
	}
	return endpoint.serve(ctx, &Request{Route: endpoint.Route, Event: event, Body: body, env: env})
}

// reply adds the headers that every answer has.
func reply(requestID string, r *Response) events.APIGatewayV2HTTPResponse {
	headers := map[string]string{
		"cache-control":          "no-store",
		"x-content-type-options": "nosniff",
		"x-request-id":           requestID,
	}
	for name, value := range r.Headers {
		headers[strings.ToLower(name)] = value
	}
	return events.APIGatewayV2HTTPResponse{StatusCode: r.Status, Headers: headers, Body: string(r.Body)}
}

// status of a success, which an answer may decide itself.
func status(r route.Route, out any) int {
	if s, ok := out.(interface{ StatusCode() int }); ok && s.StatusCode() != 0 {
		return s.StatusCode()
	}
	if r.Status != 0 {
		return r.Status
	}
	return http.StatusOK
}
