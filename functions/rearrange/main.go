// Function rearrange compares the lists of an organization with its items, mends
// what differs, and says how much that was. An operator invokes it.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/arrange"
	"roster/internal/boot"
	"roster/internal/function"
)

func main() { lambda.Start(function.Answering(arrange.New(boot.Env()).Rearrange)) }
