package ses

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
)

// Error is an error of the SES API v2, typed by its code as the SDKs know it:
// "BadRequestException", "MessageRejected", "SendingPausedException", …
type Error struct {
	Code    string
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

func (e *Error) status() int {
	switch e.Code {
	case "NotFoundException":
		return http.StatusNotFound
	case "TooManyRequestsException":
		return http.StatusTooManyRequests
	case "InternalServiceErrorException":
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}

func badRequest(format string, args ...any) *Error {
	return &Error{"BadRequestException", fmt.Sprintf(format, args...)}
}

func notFound(format string, args ...any) *Error {
	return &Error{"NotFoundException", fmt.Sprintf(format, args...)}
}

// maxRequestSize leaves room for the JSON around the largest message.
const maxRequestSize = maxMessageSize * 3 / 2

// operation answers with the result as JSON, or with the error in the form of
// the REST-JSON protocol.
func operation(do func(*http.Request) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxRequestSize)
		result, err := do(r)
		status := http.StatusOK
		if err != nil {
			apiErr, ok := errors.AsType[*Error](err)
			if !ok {
				slog.ErrorContext(r.Context(), "local SES failed", "path", r.Pattern, "error", err)
				apiErr = &Error{"InternalServiceErrorException", "Internal failure."}
			}
			w.Header().Set("x-amzn-errortype", apiErr.Code)
			status, result = apiErr.status(), map[string]string{"message": apiErr.Message}
		}
		writeJSON(w, status, result)
	})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(body); err != nil {
		slog.Debug("local SES: client left", "error", err)
	}
}

// decode reads a request body. A member that this package does not act upon is
// an error, so that nothing is silently left out of a mail.
func decode[T any](r *http.Request) (T, error) {
	var in T
	dec := json.NewDecoder(r.Body)
	dec.DisallowUnknownFields()
	if err := dec.Decode(&in); err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return in, errTooLong
		}
		return in, badRequest("Request body: %v", err)
	}
	return in, nil
}

// getAccount answers GetAccount: quotas and state of the account.
func (s *Server) getAccount(*http.Request) (any, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	sendingEnabled, enforcement := true, "HEALTHY"
	if s.refusal != nil {
		sendingEnabled = s.refusal.Code != "SendingPausedException"
		if s.refusal.Code == "AccountSuspendedException" {
			sendingEnabled, enforcement = false, "SHUTDOWN"
		}
	}
	rate := s.cfg.MaxSendRate
	if rate == 0 {
		rate = unlimitedSendRate
	}
	return map[string]any{
		"EnforcementStatus":       enforcement,
		"ProductionAccessEnabled": true,
		"SendingEnabled":          sendingEnabled,
		"SendQuota": map[string]float64{
			"Max24HourSend":   -1, // SES: -1 is unlimited
			"MaxSendRate":     rate,
			"SentLast24Hours": float64(s.sentWithin(quotaWindow, s.cfg.Now())),
		},
		"SuppressionAttributes": map[string][]string{
			"SuppressedReasons": {reasonBounce, reasonComplaint},
		},
	}, nil
}
