// Package gateway serves Lambda functions over net/http the way an API Gateway
// HTTP API serves them: each request becomes an event in payload format 2.0,
// each response of the function an HTTP response.
package gateway

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-lambda-go/lambda"

	"roster/infra/local/invocation"
)

// maxBody bounds a request's body in bytes. API Gateway: payload size 10 MB.
const maxBody = 10 << 20

// Handler answers requests by invoking fn with the event of routeKey. Like API
// Gateway it answers 413 to a body of more than 10 MB, or one whose event is
// too large for Lambda, and 500 when the function fails or its response is
// malformed; the cause is logged. Many requests may be in fn at once: see
// [invocation.Call].
func Handler(routeKey string, fn lambda.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requestID := rand.Text()
		w.Header().Set("Apigw-Requestid", requestID)
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
		if err != nil {
			if _, tooLong := errors.AsType[*http.MaxBytesError](err); tooLong {
				refuse(w, http.StatusRequestEntityTooLarge, "Request Too Long")
			} else {
				refuse(w, http.StatusBadRequest, "Bad Request")
			}
			return
		}
		switch err := serve(w, r, routeKey, fn, body, requestID); {
		case errors.Is(err, invocation.ErrTooLarge):
			refuse(w, http.StatusRequestEntityTooLarge, "Request Too Long")
		case err != nil:
			slog.ErrorContext(r.Context(), "function failed", "route", routeKey, "request_id", requestID, "error", err)
			refuse(w, http.StatusInternalServerError, "Internal Server Error")
		}
	})
}

// serve invokes fn and sends its response. When it returns an error it has sent
// nothing.
func serve(w http.ResponseWriter, r *http.Request, routeKey string, fn lambda.Handler, body []byte, requestID string) error {
	payload, err := json.Marshal(Event(r, routeKey, body, requestID, time.Now()))
	if err != nil {
		return err
	}
	out, err := invocation.Call(r.Context(), fn, requestID, payload)
	if err != nil {
		return err
	}
	response, err := decodeResponse(out)
	if err != nil {
		return err
	}
	return writeResponse(w, response)
}

// refuse answers with API Gateway's own form of an error.
func refuse(w http.ResponseWriter, status int, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(map[string]string{"message": message})
}
