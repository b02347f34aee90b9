// Function expire writes down what has changed about memberships by itself, and
// reminds of ends that come near. It runs on a schedule.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/boot"
	"roster/internal/function"
	"roster/internal/member"
)

func main() { lambda.Start(function.Silent(member.Service{Env: boot.Env()}.Expire)) }
