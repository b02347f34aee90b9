package api_test

import (
	"context"
	"encoding/base64"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-lambda-go/events"
	"github.com/go-json-experiment/json"

	"roster/internal/api"
	"roster/internal/email"
	"roster/internal/env"
	"roster/internal/fault"
	"roster/internal/field"
	"roster/internal/id"
	"roster/internal/page"
	"roster/internal/rostertest"
	"roster/internal/route"
)

// everything has a member of every sort.
type everything struct {
	Org     id.Organization            `path:"org_id" json:"-"`
	Limit   page.Limit                 `query:"limit" json:"-"`
	Search  string                     `query:"q" json:"-"`
	Flag    bool                       `query:"flag" json:"-"`
	Match   string                     `header:"If-Match" json:"-"`
	Name    field.Name                 `json:"name" required:"true"`
	Email   email.Address              `json:"email,omitzero"`
	Days    int                        `json:"days,omitzero"`
	Ratio   float64                    `json:"ratio,omitzero"`
	On      bool                       `json:"on,omitzero"`
	Tags    []field.Label              `json:"tags,omitzero"`
	Patch   field.Optional[field.Name] `json:"patch,omitzero"`
	Inner   inner                      `json:"inner,omitzero"`
	Rows    []inner                    `json:"rows,omitzero"`
	Free    map[string]any             `json:"free,omitzero"`
	Pointer *inner                     `json:"pointer,omitzero"`
}

type inner struct {
	City field.Name `json:"city"`
	Deep *inner     `json:"deep,omitzero"`
}

func (e *everything) Validate() []fault.Field {
	if e.Name == "wrong" {
		return []fault.Field{{Pointer: "/name", Reason: "is wrong"}}
	}
	return nil
}

type echo struct {
	In map[string]any `json:"in"`
}

func echoes(e *env.Env) []api.Endpoint {
	return []api.Endpoint{
		api.Handle(route.UpdateOrganization, api.Anyone, func(_ context.Context, _ api.Client, in everything) (echo, error) {
			return echo{map[string]any{
				"org": in.Org, "limit": in.Limit.Rows(), "q": in.Search, "flag": in.Flag, "match": in.Match,
				"name": in.Name, "email": in.Email, "days": in.Days, "tags": len(in.Tags), "null": in.Patch.Null,
			}}, nil
		}),
		api.Handle(route.GetOrganization, api.Anyone, func(context.Context, api.Client, struct {
			Org id.Organization `path:"org_id" json:"-"`
		}) (struct{}, error) {
			return struct{}{}, nil
		}),
	}
}

const org = "/api/organizations/org_01JD9Z3V4T5W6X7Y8Z9ABCDEFG"

// isProblem checks the form of RFC 9457 and Roster's own members.
func isProblem(t *testing.T, r rostertest.Response) {
	t.Helper()
	if got := r.Header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("content type %q", got)
	}
	code := r.Code()
	if code == "" || r.String("type") != api.ProblemType+code || r.String("title") == "" || r.String("detail") == "" ||
		r.String("request_id") == "" || r.String("request_id") != r.Header.Get("X-Request-Id") ||
		r.At("status") != float64(r.Status) || r.At("success") != false {
		t.Errorf("no problem document: %s", r.Raw)
	}
	if len(r.Raw) > 1500 {
		t.Errorf("a problem of %d bytes: %.300s", len(r.Raw), r.Raw)
	}
	for _, internal := range []string{"json:", "jsontext", "roster/", "field.", "Go ", "unmarshal", "goroutine", ".go:", "dynamodb"} {
		if strings.Contains(string(r.Raw), internal) {
			t.Errorf("the problem shows internals (%s): %s", internal, r.Raw)
		}
	}
}

// place returns the pointer or parameter of the first error, and its reason.
func place(r rostertest.Response) (where, why string) {
	errors, _ := r.At("errors").([]any)
	if len(errors) == 0 {
		return "", ""
	}
	first, _ := errors[0].(map[string]any)
	where, _ = first["pointer"].(string)
	if parameter, ok := first["parameter"].(string); ok {
		where = parameter
	}
	why, _ = first["reason"].(string)
	return where, why
}

func TestWellFormedInput(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, echoes)
	got := r.Must(t, 200, "PUT "+org+"?limit=7&q=a%2Cb&flag=true", "",
		`{"name":" Ada ","email":"ADA@example.com","days":3,"tags":["a","b"],"patch":null,"on":null,"free":{"a":[1,{"b":null}]}}`,
		"If-Match", `"3"`, "Content-Type", "application/json; charset=utf-8")
	for name, want := range map[string]any{
		"org": strings.TrimPrefix(org, "/api/organizations/"), "limit": 7.0, "q": "a,b", "flag": true, "match": `"3"`,
		"name": "Ada", "email": "ada@example.com", "days": 3.0, "tags": 2.0, "null": true,
	} {
		if got.At("in", name) != want {
			t.Errorf("%s is %v, want %v", name, got.At("in", name), want)
		}
	}
	if got.At("success") != true || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v\n%s", got.Header, got.Raw)
	}
}

func TestMalformedInput(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, echoes)
	long := strings.Repeat
	for _, tt := range []struct {
		name, body string
		status     int
		code, at   string
		why        string // a part of the reason
	}{
		{"unknown member", `{"name":"a","nmae":"b"}`, 400, "unknown_field", "/nmae", "not a known"},
		{"unknown member at depth", `{"name":"a","rows":[{},{"city":"x","deep":{"zip":1}}]}`, 400, "unknown_field", "/rows/1/deep/zip", "not a known"},
		{"other case", `{"Name":"a"}`, 400, "unknown_field", "/Name", "not a known"},
		{"member of the path", `{"name":"a","Org":"org_x"}`, 400, "unknown_field", "/Org", "not a known"},
		{"member named -", `{"name":"a","-":"org_x"}`, 400, "unknown_field", "/-", "not a known"},
		{"a name to be escaped", `{"name":"a","a/b~c":1}`, 400, "unknown_field", "/a~1b~0c", "not a known"},
		{"an endless unknown name", `{"name":"a","` + long("x", 1<<20) + `":1}`, 400, "unknown_field", "", "not a known"},
		{"duplicate", `{"name":"a","name":"b"}`, 400, "malformed_body", "/name", "duplicate"},
		{"duplicate at depth", `{"name":"a","free":{"x":{"y":1,"y":2}}}`, 400, "malformed_body", "/free/x/y", "duplicate"},
		{"duplicate, escaped", `{"name":"a","n\u0061me":"b"}`, 400, "malformed_body", "/name", "duplicate"},
		{"an endless duplicate", `{"name":"a","free":{"` + long("x", 1<<20) + `":1,"` + long("x", 1<<20) + `":1}}`, 400, "malformed_body", "", "duplicate"},

		{"number for a string", `{"name":1}`, 400, "wrong_type", "/name", "must be a string, not a number"},
		{"list for a string", `{"name":["a"]}`, 400, "wrong_type", "/name", "must be a string, not a list"},
		{"object for an address", `{"name":"a","email":{}}`, 400, "wrong_type", "/email", "must be a string, not an object"},
		{"string for a number", `{"name":"a","days":"3"}`, 400, "wrong_type", "/days", "must be a number, not a string"},
		{"boolean for a ratio", `{"name":"a","ratio":true}`, 400, "wrong_type", "/ratio", "must be a number, not a boolean"},
		{"fraction for an integer", `{"name":"a","days":1.5}`, 422, "invalid_input", "/days", "is not a whole number"},
		{"exponent for an integer", `{"name":"a","days":1e2}`, 422, "invalid_input", "/days", "is not a whole number"},
		{"integer too large", `{"name":"a","days":99999999999999999999}`, 422, "invalid_input", "/days", "out of range"},
		{"ratio too large", `{"name":"a","ratio":1e999}`, 422, "invalid_input", "/ratio", "out of range"},
		{"string for a boolean", `{"name":"a","on":"true"}`, 400, "wrong_type", "/on", "must be a boolean, not a string"},
		{"string for a list", `{"name":"a","tags":"x"}`, 400, "wrong_type", "/tags", "must be a list, not a string"},
		{"number in a list", `{"name":"a","tags":["x",2]}`, 400, "wrong_type", "/tags/1", "must be a string, not a number"},
		{"list for an object", `{"name":"a","inner":[]}`, 400, "wrong_type", "/inner", "must be an object, not a list"},
		{"string for free data", `{"name":"a","free":"x"}`, 400, "wrong_type", "/free", "must be an object, not a string"},
		{"number for an optional", `{"name":"a","patch":1}`, 400, "wrong_type", "/patch", "must be a string, not a number"},

		{"refused value", `{"name":"a\u202eb"}`, 422, "invalid_input", "/name", "direction-changing"},
		{"refused value at depth", `{"name":"a","rows":[{"city":"b"},{"city":"c\u0000"}]}`, 422, "invalid_input", "/rows/1/city", "has control"},
		{"refused optional", `{"name":"a","patch":"` + long("x", 201) + `"}`, 422, "invalid_input", "/patch", "longer than 200"},
		{"a megabyte of name", `{"name":"` + long("x", 1<<20) + `"}`, 422, "invalid_input", "/name", "longer than 200"},
		{"a megabyte of address", `{"name":"a","email":"` + long("x", 1<<20) + `"}`, 422, "invalid_input", "/email", "longer than 254"},
		{"refused by agreement", `{"name":"wrong"}`, 422, "invalid_input", "/name", "is wrong"},
		{"required and absent", `{}`, 422, "invalid_input", "/name", "is required"},
		{"required and null", `{"name":null}`, 422, "invalid_input", "/name", "is required"},
		{"required and blank", `{"name":"  "}`, 422, "invalid_input", "/name", "is required"},
		{"no body", ``, 422, "invalid_input", "/name", "is required"},

		{"null", `null`, 400, "malformed_body", "", "must be an object"},
		{"list", `[{"name":"a"}]`, 400, "malformed_body", "", "must be an object"},
		{"string", `"name"`, 400, "malformed_body", "", "must be an object"},
		{"number", `1`, 400, "malformed_body", "", "must be an object"},
		{"space", " \n", 400, "malformed_body", "", "must be an object"},
		{"form", `name=a`, 400, "malformed_body", "", "must be an object"},
		{"byte order mark", "\ufeff{}", 400, "malformed_body", "", "must be an object"},
		{"two objects", `{"name":"a"}{"name":"b"}`, 400, "malformed_body", "", "after top-level value"},
		{"trailing garbage", `{"name":"a"}x`, 400, "malformed_body", "", "after top-level value"},
		{"cut", `{"name":"a`, 400, "malformed_body", "/name", ""},
		{"trailing comma", `{"name":"a",}`, 400, "malformed_body", "", "invalid character"},
		{"comment", `{"name":"a"/**/}`, 400, "malformed_body", "", "invalid character"},
		{"single quotes", `{'name':'a'}`, 400, "malformed_body", "", "invalid character"},
		{"NaN", `{"name":"a","ratio":NaN}`, 400, "malformed_body", "/ratio", "invalid character"},
		{"invalid UTF-8", "{\"name\":\"a\xff\"}", 400, "malformed_body", "/name", "UTF-8"},
		{"half a surrogate", `{"name":"\ud800"}`, 400, "malformed_body", "/name", "surrogate"},
		{"control character", "{\"name\":\"a\x01\"}", 400, "malformed_body", "/name", "invalid character"},
		{"deep lists", `{"name":"a","free":{"x":` + long("[", 100_000) + long("]", 100_000) + `}}`, 400, "malformed_body", "", "depth"},
		{"deep objects", `{"name":"a","inner":` + long(`{"deep":`, 100_000) + `null` + long("}", 100_000) + `}`, 400, "malformed_body", "", "depth"},
		{"deep and unknown", `{"x":` + long("[", 100_000) + long("]", 100_000) + `}`, 400, "unknown_field", "/x", ""},
	} {
		got := r.Call(t, "PUT "+org, "", tt.body)
		if got.Status != tt.status || got.Code() != tt.code {
			t.Errorf("%s: %d %s, want %d %s\n%.300s", tt.name, got.Status, got.Code(), tt.status, tt.code, got.Raw)
			continue
		}
		isProblem(t, got)
		where, why := place(got)
		if tt.at != "" && where != tt.at || !strings.Contains(why, tt.why) || why == "" {
			t.Errorf("%s: %q %q, want %q %q", tt.name, where, why, tt.at, tt.why)
		}
	}
}

func TestParameters(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, echoes)
	for query, want := range map[string]string{
		"limit=0": "limit", "limit=101": "limit", "limit=x": "limit", "limit=": "limit", "limit=-1": "limit", "limit=1e2": "limit",
		"flag=yes": "flag", "page=2": "page", "Limit=2": "Limit", "limit=1&limit=2": "limit", "q=a&q=b": "q", "q=a&x=1&y=2": "x",
		url.QueryEscape(strings.Repeat("n", 4000)) + "=1": strings.Repeat("n", 200) + "…",
	} {
		got := r.Refused(t, 422, "invalid_input", "PUT "+org+"?"+query, "", `{"name":"a"}`)
		isProblem(t, got)
		if where, _ := place(got); where != want {
			t.Errorf("%.40s: parameter %q, want %q", query, where, want)
		}
	}
	both := r.Refused(t, 422, "invalid_input", "PUT "+org+"?limit=x&page=2", "", `{"name":"a"}`)
	if errors, _ := both.At("errors").([]any); len(errors) != 2 {
		t.Errorf("not every place is named: %s", both.Raw)
	}
	for _, malformed := range []string{"x", "org_x", "usr_01JD9Z3V4T5W6X7Y8Z9ABCDEFG", "org_81JD9Z3V4T5W6X7Y8Z9ABCDEFG", "org_01JD9Z3V4T5W6X7Y8Z9ABCDEFG%0A", "%FF"} {
		isProblem(t, r.Refused(t, 404, "not_found", "PUT /api/organizations/"+malformed, "", `{"name":"a"}`))
	}
}

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	r := rostertest.New(t, echoes)
	for _, accepted := range []string{"application/json", "application/json; charset=utf-8", "APPLICATION/JSON", ""} {
		r.Must(t, 200, "PUT "+org, "", `{"name":"a"}`, "Content-Type", accepted)
	}
	for _, refused := range []string{"application/x-www-form-urlencoded", "text/plain", "application/jsonx", "text/json", "multipart/form-data", ";", "application/json; charset"} {
		isProblem(t, r.Refused(t, 415, "unsupported_media_type", "PUT "+org, "", `{"name":"a"}`, "Content-Type", refused))
	}
	r.Must(t, 200, "GET "+org, "", nil)
	r.Refused(t, 400, "unknown_field", "GET "+org, "", `{"x":1}`)
}

func TestBodyIsBounded(t *testing.T) {
	t.Parallel()
	handler := api.NewHandler(rostertest.New(t).Env, echoes(nil))
	call := func(body string, encoded bool) (events.APIGatewayV2HTTPResponse, map[string]any) {
		t.Helper()
		event := events.APIGatewayV2HTTPRequest{
			RouteKey: "PUT /api/organizations/{org_id}", Body: body, IsBase64Encoded: encoded,
			PathParameters: map[string]string{"org_id": strings.TrimPrefix(org, "/api/organizations/")},
			Headers:        map[string]string{"content-type": "application/json"},
		}
		event.RequestContext.RequestID = "request"
		response, err := handler(t.Context(), event)
		if err != nil {
			t.Fatal(err)
		}
		var document map[string]any
		if err := json.Unmarshal([]byte(response.Body), &document); err != nil {
			t.Fatal(err)
		}
		return response, document
	}
	body := func(size int) string { return `{"name":"a"}` + strings.Repeat(" ", size-len(`{"name":"a"}`)) }
	for _, tt := range []struct {
		name, body string
		encoded    bool
		status     int
		code       any
	}{
		{"5 MB", body(api.MaxBody), false, 200, nil},
		{"more", body(api.MaxBody + 1), false, 413, "body_too_large"},
		{"5 MB in base64", base64.StdEncoding.EncodeToString([]byte(body(api.MaxBody))), true, 200, nil},
		{"more in base64", base64.StdEncoding.EncodeToString([]byte(body(api.MaxBody + 1))), true, 413, "body_too_large"},
		{"malformed base64", "{}", true, 400, "malformed_body"},
		{"base64 of invalid UTF-8", base64.StdEncoding.EncodeToString([]byte("{\"name\":\"\xff\"}")), true, 400, "malformed_body"},
	} {
		response, document := call(tt.body, tt.encoded)
		if response.StatusCode != tt.status || document["code"] != tt.code {
			t.Errorf("%s: %d %v, want %d %v", tt.name, response.StatusCode, document["code"], tt.status, tt.code)
		}
	}
}

func TestTheBodyCannotSetWhatComesFromElsewhere(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("an endpoint whose body could name another organization is served")
		}
	}()
	api.Handle(route.GetOrganization, api.Anyone, func(context.Context, api.Client, struct {
		Org id.Organization `path:"org_id"`
	}) (struct{}, error) {
		return struct{}{}, nil
	})
}

func FuzzBody(f *testing.F) {
	for _, seed := range []string{`{"name":"a"}`, `{"name":"a","rows":[{"deep":{}}]}`, `{"name":1e5}`, `{"free":{"a":[null]}}`, `[]`, "{\"\xff\":1}", `{"days":1e400}`} {
		f.Add(seed)
	}
	handler := api.NewHandler(rostertest.New(f).Env, echoes(nil))
	f.Fuzz(func(t *testing.T, body string) {
		response, err := handler(t.Context(), events.APIGatewayV2HTTPRequest{
			RouteKey: "PUT /api/organizations/{org_id}", Body: body,
			PathParameters: map[string]string{"org_id": strings.TrimPrefix(org, "/api/organizations/")},
		})
		if err != nil {
			t.Fatal(err)
		}
		var document struct {
			Success bool          `json:"success"`
			Errors  []fault.Field `json:"errors"`
		}
		if err := json.Unmarshal([]byte(response.Body), &document); err != nil {
			t.Fatalf("%q: %v\n%s", body, err, response.Body)
		}
		if document.Success != (response.StatusCode == 200) || response.StatusCode >= 500 || !document.Success && len(document.Errors) == 0 {
			t.Errorf("%q: %d %s", body, response.StatusCode, response.Body)
		}
	})
}
