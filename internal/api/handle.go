package api

import (
	"context"
	"maps"
	"reflect"
	"runtime"
	"strings"

	"github.com/go-json-experiment/json"

	"roster/internal/fault"
	"roster/internal/route"
)

// Handle joins a route to its use case. In is a struct: members tagged json come
// from the body, those tagged path, query or header from there (see decode). Out
// is a struct of the answer's payload, or a Page. An Out may have
// StatusCode() int, ETag() string, Headers() map[string]string, and File() *File.
func Handle[Who, In, Out any](
	id route.ID,
	authenticate func(context.Context, *Request) (Who, error),
	use func(context.Context, Who, In) (Out, error),
) Endpoint {
	r := route.Of(id)
	shapeOf(reflect.TypeFor[In]()) // panics now, and not at the first request
	serve := func(ctx context.Context, request *Request) (*Response, error) {
		who, err := authenticate(ctx, request)
		if err != nil {
			return nil, err
		}
		in, err := decode[In](request)
		if err != nil {
			return nil, err
		}
		return idempotent(ctx, request, who, func(ctx context.Context) (*Response, error) {
			out, err := use(ctx, who, in)
			if err != nil {
				return nil, err
			}
			return encode(r, out)
		})
	}
	return Endpoint{
		Route: r, In: reflect.TypeFor[In](), Out: reflect.TypeFor[Out](),
		UseCase: strings.TrimSuffix(runtime.FuncForPC(reflect.ValueOf(use).Pointer()).Name(), "-fm"),
		serve:   serve,
	}
}

// None is a request without content.
type None struct{}

// Page is an answer that is not JSON of the API: a page or a document.
type Page struct {
	ContentType string
	// Headers of this page, such as its content security policy.
	Headers map[string]string
	Body    []byte
}

// File is an answer that is to be saved, where its File method returns one.
type File struct {
	Name string
	// CSV is what stands in it in place of the JSON of the answer; nil, that does.
	CSV []byte
	// Next is where the rest of it is, relative to the request; empty, there is none.
	Next string
}

// MaxAnswer is how long an answer may be, Transported.
const MaxAnswer = 5 << 20

// ErrExport refuses a file that would be longer.
var ErrExport = fault.New(fault.Invalid, "export_too_large",
	"This is more than one answer holds. Ask for less, or read it page by page: without format, with limit and cursor.")

// Transported is how long a body is within the event in which Lambda hands it over,
// which escapes what encoding/json escapes, and has to be shorter than 6 MB.
func Transported(body []byte) int {
	n := len(body)
	for _, c := range body {
		switch {
		case c == '"', c == '\\', c == '\n', c == '\r', c == '\t':
			n++
		case c < ' ', c == '<', c == '>', c == '&':
			n += len(`\u0000`) - 1
		case c == 0xe2: // begins U+2028 and U+2029, among others
			n += len(`\u2028`) - 3
		}
	}
	return n
}

// envelope is the form of every success.
type envelope[T any] struct {
	Success bool `json:"success"`
	Payload T    `json:",embed"`
}

// CSV is the media type of tables (RFC 4180).
const CSV = "text/csv; charset=utf-8; header=present"

// Body is an answer as JSON.
func Body[Out any](out Out) ([]byte, error) {
	return json.Marshal(envelope[Out]{true, out}, json.Deterministic(true))
}

func encode[Out any](r route.Route, out Out) (*Response, error) {
	if page, ok := any(out).(Page); ok {
		headers := map[string]string{"content-type": page.ContentType}
		maps.Copy(headers, page.Headers)
		return &Response{Status: status(r, out), Headers: headers, Body: page.Body}, nil
	}
	headers := map[string]string{"content-type": "application/json"}
	if saved, ok := any(out).(interface{ File() *File }); ok {
		if file := saved.File(); file != nil {
			headers["content-disposition"] = `attachment; filename="` + file.Name + `"`
			if file.Next != "" {
				headers["link"] = "<" + file.Next + `>; rel="next"`
			}
			if file.CSV != nil {
				headers["content-type"] = CSV
				return &Response{Status: status(r, out), Headers: headers, Body: file.CSV}, nil
			}
		}
	}
	body, err := Body(out)
	if err != nil {
		return nil, err
	}
	if tagged, ok := any(out).(interface{ ETag() string }); ok {
		headers["etag"] = tagged.ETag()
	}
	if further, ok := any(out).(interface{ Headers() map[string]string }); ok {
		maps.Copy(headers, further.Headers())
	}
	return &Response{Status: status(r, out), Headers: headers, Body: body}, nil
}
