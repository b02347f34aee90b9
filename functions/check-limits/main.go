// Function check-limits warns those near their limits of whom the table's stream did not
// tell, and everyone whom a change of settings brings there. It runs on a schedule.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/boot"
	"roster/internal/function"
	"roster/internal/watch"
)

func main() { lambda.Start(function.Silent(watch.New(boot.Env()).Sweep)) }
