package console

import (
	"html/template"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"

	"roster/internal/api"
	"roster/internal/openapi/spec"
)

// docs is the API reference, made from the OpenAPI document.
var docs = sync.OnceValues(func() (api.Page, error) {
	var d spec.Document
	if err := json.Unmarshal(spec.JSON, &d); err != nil {
		return api.Page{}, err
	}
	page, err := template.New("docs.html").Funcs(template.FuncMap{"prose": prose}).ParseFS(files, "pages/docs.html")
	if err != nil {
		return api.Page{}, err
	}
	var body strings.Builder
	if err := page.Execute(&body, newReference(&d)); err != nil {
		return api.Page{}, err
	}
	return render("API reference", "reference", template.HTML(body.String()), "", "docs.css")
})

type (
	// reference is the document as its page shows it.
	reference struct {
		Intro  string
		Areas  []area
		Errors []refusal
	}

	area struct {
		Name, Anchor, Description string
		Calls                     []call
	}

	call struct {
		ID, Method, Path, Summary, Description string
		Public                                 bool
		Parameters                             []member
		Body                                   []member
		Answers                                []answer
		Refusals                               []refusal
		Curl                                   string
	}

	answer struct {
		Status  int
		Text    string
		Type    string
		Members []member
		Example string
	}

	refusal struct {
		Status                    int
		Text, Description, Anchor string
		Codes                     []spec.Code
	}

	// member is a parameter, or a member of an object with its own members.
	member struct {
		Name, Place, Type, Description string
		// Note says that it is required, or may be absent from an answer.
		Note    string
		Members []member
	}
)

func newReference(d *spec.Document) reference {
	r := reference{Intro: d.Info.Description}
	for _, t := range d.Tags {
		r.Areas = append(r.Areas, area{Name: t.Name, Anchor: anchor(t.Name), Description: t.Description})
	}
	schemas := components{d}
	for _, path := range d.Paths {
		for _, method := range path.Value {
			i := slices.IndexFunc(r.Areas, func(a area) bool { return a.Name == method.Value.Tags[0] })
			r.Areas[i].Calls = append(r.Areas[i].Calls, schemas.call(path.Name, method.Name, method.Value))
		}
	}
	for _, response := range d.Components.Responses {
		r.Errors = append(r.Errors, schemas.refusal(response.Name))
	}
	slices.SortFunc(r.Errors, func(a, b refusal) int { return a.Status - b.Status })
	return r
}

func anchor(name string) string { return strings.ReplaceAll(strings.ToLower(name), " ", "-") }

// components resolves references.
type components struct{ *spec.Document }

func (c components) call(path, method string, o spec.Operation) call {
	out := call{
		ID: o.OperationID, Method: strings.ToUpper(method), Path: path,
		Summary: o.Summary, Description: o.Description, Public: o.Security != nil,
	}
	for _, p := range o.Parameters {
		if p.Ref != "" {
			p = *c.Components.Parameters.At(last(p.Ref))
		}
		out.Parameters = append(out.Parameters, member{
			Name: p.Name, Place: p.In, Type: c.typeOf(p.Schema), Description: p.Description, Note: note(input, p.Required),
		})
	}
	var body *spec.Schema
	if o.RequestBody != nil {
		body = o.RequestBody.Content[0].Value.Schema
		out.Body = c.members(body, input, nil)
	}
	for _, response := range o.Responses {
		if response.Value.Ref != "" {
			out.Refusals = append(out.Refusals, c.refusal(last(response.Value.Ref)))
			continue
		}
		status, _ := strconv.Atoi(response.Name)
		a := answer{Status: status, Text: http.StatusText(status), Type: response.Value.Content[0].Name}
		if s := response.Value.Content[0].Value.Schema; len(s.Properties) > 0 {
			a.Members, a.Example = c.members(s, output, nil), c.example(s, everything)
		}
		out.Answers = append(out.Answers, a)
	}
	out.Curl = c.curl(out, body)
	return out
}

func (c components) refusal(name string) refusal {
	response := c.Components.Responses.At(name)
	return refusal{
		Status: response.Status, Text: http.StatusText(response.Status), Description: response.Description,
		Anchor: "error-" + strconv.Itoa(response.Status), Codes: response.Codes,
	}
}

func last(ref string) string { return ref[strings.LastIndex(ref, "/")+1:] }

// resolve follows a reference; its own description goes before the other's.
func (c components) resolve(s *spec.Schema) *spec.Schema {
	if s.Ref == "" {
		return s
	}
	return *c.Components.Schemas.At(last(s.Ref))
}

// members lists an object's members, with those of objects within. Within an
// object of the same kind it is empty.
func (c components) members(s *spec.Schema, way direction, within []*spec.Schema) []member {
	s = c.object(s)
	if s == nil || slices.Contains(within, s) {
		return nil
	}
	var all []member
	for _, p := range s.Properties {
		description := p.Value.Description
		if description == "" {
			description = c.resolve(p.Value).Description
		}
		all = append(all, member{
			Name: p.Name, Type: c.typeOf(p.Value), Description: description,
			Note:    note(way, slices.Contains(s.Required, p.Name)),
			Members: c.members(p.Value, way, append(within, s)),
		})
	}
	return all
}

// direction tells what callers send from what they get.
type direction int

const (
	input direction = iota
	output
)

func note(way direction, required bool) string {
	switch {
	case way == input && required:
		return "required"
	case way == output && !required:
		return "may be absent"
	}
	return ""
}

// object is the object that a schema is, lists or allows beside null; nil for all else.
func (c components) object(s *spec.Schema) *spec.Schema {
	s = c.resolve(s)
	switch {
	case len(s.Properties) > 0:
		return s
	case s.Items != nil:
		return c.object(s.Items)
	case len(s.AnyOf) > 0:
		return c.object(s.AnyOf[0])
	}
	return nil
}

// typeOf says in words what a value is.
func (c components) typeOf(s *spec.Schema) string {
	s = c.resolve(s)
	switch {
	case len(s.AnyOf) > 0:
		return c.typeOf(s.AnyOf[0]) + " or null"
	case len(s.Enum) > 0:
		return strings.Join(s.Enum, " | ")
	case s.Const == true || s.Const == false:
		return strconv.FormatBool(s.Const.(bool))
	case s.Items != nil:
		return "list of " + c.typeOf(s.Items)
	case len(s.Type) == 0:
		return "any"
	}
	text := strings.Join(s.Type, " or ")
	if s.Format != "" && s.Format != "password" {
		text = strings.Replace(text, "string", s.Format, 1)
	}
	return text + bounds(s)
}

func bounds(s *spec.Schema) string {
	switch {
	case s.MinLength > 0 && s.MaxLength > 0:
		return ", " + strconv.Itoa(s.MinLength) + " to " + strconv.Itoa(s.MaxLength) + " characters"
	case s.MaxLength > 0:
		return ", up to " + strconv.Itoa(s.MaxLength) + " characters"
	case s.Minimum != nil && s.Maximum != nil:
		return ", " + strconv.Itoa(*s.Minimum) + " to " + strconv.Itoa(*s.Maximum)
	}
	return ""
}

var marked = regexp.MustCompile("`[^`]+`|\\*\\*[^*]+\\*\\*")

// prose turns `code`, **strong** and paragraphs into HTML; the rest is text.
func prose(text string) template.HTML {
	var out strings.Builder
	for paragraph := range strings.SplitSeq(text, "\n\n") {
		out.WriteString("<p>")
		at := 0
		for _, span := range marked.FindAllStringIndex(paragraph, -1) {
			out.WriteString(template.HTMLEscapeString(paragraph[at:span[0]]))
			element, inner := "code", paragraph[span[0]+1:span[1]-1]
			if strings.HasPrefix(inner, "*") {
				element, inner = "strong", inner[1:len(inner)-1]
			}
			out.WriteString("<" + element + ">" + template.HTMLEscapeString(inner) + "</" + element + ">")
			at = span[1]
		}
		out.WriteString(template.HTMLEscapeString(paragraph[at:]) + "</p>\n")
	}
	return template.HTML(out.String())
}
