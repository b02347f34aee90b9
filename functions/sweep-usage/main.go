// Function sweep-usage counts the chunks of usage whose counting was cut off. It runs on
// a schedule.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/boot"
	"roster/internal/function"
	"roster/internal/usage"
)

func main() { lambda.Start(function.Silent(usage.NewMeter(boot.Env()).Sweep)) }
