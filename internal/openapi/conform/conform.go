// Package conform tells whether a response is one that the OpenAPI document
// promises. Tests hold every answer of Roster against it.
package conform

import (
	"bytes"
	"fmt"
	"mime"
	"strconv"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"roster/internal/openapi/spec"
	"roster/internal/route"
)

// Check returns why a response is not as the document says: its status, its
// media type, or a place of its body. Unlike clients, it takes members that the
// document does not name for a fault, except in problem documents. The empty
// route is one that does not exist.
func Check(id route.ID, status int, contentType string, body []byte) error {
	mediaType, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return fmt.Errorf("conform: %s: content type %q: %w", id, contentType, err)
	}
	at := problem
	if id != "" {
		if at, err = place(route.Of(id), status, mediaType); err != nil {
			return err
		}
	} else if status < 400 || mediaType != "application/problem+json" {
		return fmt.Errorf("conform: no route answered %d as %s", status, mediaType)
	}
	if !strings.HasSuffix(mediaType, "json") {
		return nil
	}
	schema, err := compiled(at)
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("conform: %s %d: %w", id, status, err)
	}
	if err := schema.Validate(value); err != nil {
		return fmt.Errorf("conform: %s %d: %w", id, status, err)
	}
	return nil
}

// pointer is a JSON pointer into the document.
type pointer string

func (p pointer) to(names ...string) pointer {
	for _, name := range names {
		p += "/" + pointer(strings.NewReplacer("~", "~0", "/", "~1").Replace(name))
	}
	return p
}

var problem = pointer("").to("components", "schemas", "Problem")

// place finds the schema of a response's body.
func place(r route.Route, status int, mediaType string) (pointer, error) {
	at := pointer("").to("paths", r.Path(), strings.ToLower(r.Method()), "responses", strconv.Itoa(status))
	response, ok := find(at)
	if !ok {
		return "", fmt.Errorf("conform: %s answers %d, which the document does not say", r.ID, status)
	}
	if ref, ok := response["$ref"].(string); ok {
		at = pointer(strings.TrimPrefix(ref, "#"))
	}
	at = at.to("content", mediaType)
	if _, ok := find(at); !ok {
		return "", fmt.Errorf("conform: %s answers %d as %s, which the document does not say", r.ID, status, mediaType)
	}
	return at.to("schema"), nil
}

func find(p pointer) (map[string]any, bool) {
	document, err := document()
	if err != nil {
		return nil, false
	}
	var at any = document
	for name := range strings.SplitSeq(string(p[1:]), "/") {
		object, _ := at.(map[string]any)
		at = object[strings.NewReplacer("~1", "/", "~0", "~").Replace(name)]
	}
	object, ok := at.(map[string]any)
	return object, ok
}

// document is the document, where it has no say about unknown members closed.
var document = sync.OnceValues(func() (map[string]any, error) {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(spec.JSON))
	if err != nil {
		return nil, err
	}
	document := value.(map[string]any)
	closeObjects(document)
	return document, nil
})

// closeObjects refuses unknown members of every object schema, problems apart.
func closeObjects(at any) {
	switch at := at.(type) {
	case []any:
		for _, v := range at {
			closeObjects(v)
		}
	case map[string]any:
		for name, v := range at {
			if name != "Problem" {
				closeObjects(v)
			}
		}
		if _, object := at["properties"].(map[string]any); object && at["type"] == "object" && at["additionalProperties"] == nil {
			at["additionalProperties"] = false
		}
	}
}

const location = "https://roster.invalid/openapi.json"

var compiler = sync.OnceValues(func() (*jsonschema.Compiler, error) {
	document, err := document()
	if err != nil {
		return nil, err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat()
	return c, c.AddResource(location, document)
})

var (
	mu      sync.Mutex // guards schemas and the compiler
	schemas = map[pointer]*jsonschema.Schema{}
)

func compiled(at pointer) (*jsonschema.Schema, error) {
	mu.Lock()
	defer mu.Unlock()
	if schema, ok := schemas[at]; ok {
		return schema, nil
	}
	c, err := compiler()
	if err != nil {
		return nil, err
	}
	schema, err := c.Compile(location + "#" + strings.ReplaceAll(string(at), "{", "%7B"))
	if err != nil {
		return nil, fmt.Errorf("conform: the document itself: %w", err)
	}
	schemas[at] = schema
	return schema, nil
}
