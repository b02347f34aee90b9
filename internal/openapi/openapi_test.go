package openapi_test

import (
	"bytes"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"roster/internal/openapi"
	"roster/internal/openapi/spec"
	"roster/internal/route"
)

func TestDocumentIsUpToDate(t *testing.T) {
	t.Parallel()
	document, err := openapi.Generate("..")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(document, spec.JSON) {
		t.Error("spec/openapi.json is stale: run go generate ./internal/openapi")
	}
}

func TestDocumentIsValid(t *testing.T) {
	t.Parallel()
	document, err := openapi3.NewLoader().LoadFromData(spec.JSON)
	if err != nil {
		t.Fatal(err)
	}
	if err := document.Validate(t.Context(), openapi3.EnableExamplesValidation()); err != nil {
		t.Error(err)
	}
	documented := map[string]bool{}
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			documented[operation.OperationID] = true
			if operation.Description == "" {
				t.Errorf("%s %s has no description", method, path)
			}
		}
	}
	for _, r := range route.All {
		if !documented[string(r.ID)] {
			t.Errorf("%s is not in the document", r.ID)
		}
	}
}
