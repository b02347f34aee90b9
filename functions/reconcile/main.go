// Function reconcile proves that counters are what usage events come to, of each organization
// once a week. It runs on a schedule, and fails where they are not.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/boot"
	"roster/internal/function"
	"roster/internal/usage"
)

func main() { lambda.Start(function.Answering(usage.Reconciler{Env: boot.Env()}.Sweep)) }
