// Command generate writes the OpenAPI document; go generate runs it in the folder
// of package openapi.
package main

import (
	"log"
	"os"

	"roster/internal/openapi"
)

func main() {
	document, err := openapi.Generate("..")
	if err != nil {
		log.Fatal(err)
	}
	if err := os.WriteFile("spec/openapi.json", document, 0o644); err != nil {
		log.Fatal(err)
	}
}
