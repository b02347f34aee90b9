package runtimeapi

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

func (f *Function) api() http.Handler {
	const runtime = "/2018-06-01/runtime/"
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+runtime+"invocation/next", f.next)
	mux.HandleFunc("POST "+runtime+"invocation/{id}/response", f.response)
	mux.HandleFunc("POST "+runtime+"invocation/{id}/error", f.invocationError)
	mux.HandleFunc("POST "+runtime+"init/error", f.initError)
	return mux
}

// next blocks until there is an event.
func (f *Function) next(w http.ResponseWriter, r *http.Request) {
	f.mark(&f.timing.FirstNext)
	f.settleStart(nil)
	select {
	case inv := <-f.queue:
		h := w.Header()
		h.Set("Content-Type", "application/json")
		h.Set("Lambda-Runtime-Aws-Request-Id", inv.id)
		h.Set("Lambda-Runtime-Deadline-Ms", strconv.FormatInt(inv.deadline.UnixMilli(), 10))
		h.Set("Lambda-Runtime-Invoked-Function-Arn", fmt.Sprintf("arn:aws:lambda:%s:%s:function:%s", region, accountID, f.name))
		h.Set("Lambda-Runtime-Trace-Id", traceID(time.Now()))
		w.Write(inv.payload)
	case <-r.Context().Done():
	}
}

func (f *Function) response(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, MaxPayload))
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		tooLarge := &FunctionError{
			Type:    "Function.ResponseSizeTooLarge",
			Message: fmt.Sprintf("answer exceeds %d bytes", MaxPayload),
		}
		f.settle(r.PathValue("id"), answer{err: tooLarge})
		reply(w, http.StatusRequestEntityTooLarge, `{"errorType":"RequestEntityTooLarge"}`)
		return
	}
	if err != nil {
		return // the connection broke; what becomes of the process decides
	}
	f.finish(w, r, answer{payload: body})
}

func (f *Function) invocationError(w http.ResponseWriter, r *http.Request) {
	f.finish(w, r, answer{err: readError(r)})
}

func (f *Function) initError(w http.ResponseWriter, r *http.Request) {
	f.settleStart(readError(r))
	reply(w, http.StatusAccepted, `{"status":"OK"}`)
}

func (f *Function) finish(w http.ResponseWriter, r *http.Request, a answer) {
	f.mark(&f.timing.FirstResponse)
	if !f.settle(r.PathValue("id"), a) {
		reply(w, http.StatusBadRequest, `{"errorType":"InvalidRequestID"}`)
		return
	}
	reply(w, http.StatusAccepted, `{"status":"OK"}`)
}

// settleStart tells Start how the start went; only the first call counts.
func (f *Function) settleStart(err error) {
	select {
	case f.initial <- err:
	default:
	}
}

// mark notes the time since the process began, the first time it is called
// for a measure.
func (f *Function) mark(measure *time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if *measure == 0 {
		*measure = time.Since(f.began)
	}
}

func reply(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	io.WriteString(w, body)
}
