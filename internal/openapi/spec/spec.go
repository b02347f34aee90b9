// Package spec holds the generated OpenAPI document of Roster.
package spec

import _ "embed"

// JSON is the document. Package openapi generates it: go generate ./internal/openapi
//
//go:embed openapi.json
var JSON []byte
