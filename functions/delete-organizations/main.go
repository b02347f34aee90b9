// Function delete-organizations tells members that their organization is being
// deleted, and erases it when its grace is over. It runs on a schedule.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/boot"
	"roster/internal/deletion"
	"roster/internal/function"
)

func main() { lambda.Start(function.Silent(deletion.Service{Env: boot.Env()}.Sweep)) }
