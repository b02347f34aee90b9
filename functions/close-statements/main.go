// Function close-statements closes months: their statements never change from then
// on. It runs on a schedule.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/billing"
	"roster/internal/boot"
	"roster/internal/function"
)

func main() { lambda.Start(function.Silent(billing.Service{Env: boot.Env()}.Sweep)) }
