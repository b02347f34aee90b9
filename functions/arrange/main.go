// Function arrange keeps the lists of members in order and those of their model calls,
// notes when members were last active, and warns who comes near a limit, as the table's
// stream tells of changes.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/arrange"
	"roster/internal/boot"
	"roster/internal/function"
	"roster/internal/stream"
	"roster/internal/usage"
	"roster/internal/watch"
)

func main() {
	e := boot.Env()
	lambda.Start(function.Silent(stream.Each(arrange.New(e).Stream, watch.New(e).Stream, usage.EventList{Env: e}.Stream)))
}
