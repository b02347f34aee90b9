package api

import (
	"errors"
	"log/slog"
	"maps"
	"math"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json"

	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/route"
)

var (
	errPanic    = errors.New("panic")
	errInternal = fault.New(0, "internal", "Something went wrong on our side. The request id names it in the logs.")
)

var statuses = map[fault.Kind]int{
	fault.Malformed:       http.StatusBadRequest,
	fault.Invalid:         http.StatusUnprocessableEntity,
	fault.Unauthenticated: http.StatusUnauthorized,
	fault.Forbidden:       http.StatusForbidden,
	fault.NotFound:        http.StatusNotFound,
	fault.Conflict:        http.StatusConflict,
	fault.Gone:            http.StatusGone,
	fault.Precondition:    http.StatusPreconditionFailed,
	fault.TooLarge:        http.StatusRequestEntityTooLarge,
	fault.MediaType:       http.StatusUnsupportedMediaType,
	fault.TooMany:         http.StatusTooManyRequests,
	fault.Unavailable:     http.StatusServiceUnavailable,
}

// ProblemType begins the type of every problem (RFC 9457, section 3.1.1); the code follows.
const ProblemType = "urn:roster:problem:"

// StatusOf is the HTTP status of a kind of refusal.
func StatusOf(kind fault.Kind) int {
	if status, known := statuses[kind]; known {
		return status
	}
	return http.StatusInternalServerError
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[*fault.Error](err); ok {
		return f.Code
	}
	return errInternal.Code
}

// problem is the RFC 9457 document of an error. What is no fault of the client
// is logged with its cause and answered without it.
func problem(env *env.Env, r route.Route, requestID string, err error) *Response {
	f, expected := errors.AsType[*fault.Error](err)
	if !expected {
		f = errInternal
	}
	code := StatusOf(f.Kind)
	if code >= http.StatusInternalServerError {
		env.Log.Error("request failed", slog.String("route", string(r.ID)),
			slog.String("request_id", requestID), slog.Any("error", err))
	}
	document := map[string]any{}
	maps.Copy(document, f.Members)
	maps.Copy(document, map[string]any{
		"type":       ProblemType + f.Code,
		"title":      http.StatusText(code),
		"status":     code,
		"detail":     f.Detail,
		"code":       f.Code,
		"request_id": requestID,
		"success":    false,
	})
	if len(f.Fields) > 0 {
		document["errors"] = f.Fields
	}
	body, marshalErr := json.Marshal(document, json.Deterministic(true))
	if marshalErr != nil {
		env.Log.Error("problem", slog.Any("error", marshalErr))
		body = []byte(`{"success":false,"code":"internal","status":500}`)
	}
	headers := map[string]string{"content-type": "application/problem+json"}
	maps.Copy(headers, f.Headers)
	switch {
	case f.RetryAfter > 0:
		headers["retry-after"] = strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds())))
	case code == http.StatusUnauthorized:
		headers["www-authenticate"] = `Bearer realm="roster"`
	}
	if f.Final {
		headers["x-should-retry"] = "false" // clients of model providers go by it
	}
	return &Response{Status: code, Headers: headers, Body: body}
}
