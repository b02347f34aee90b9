// Function arrange keeps the lists of members in order, and notes when members
// were last active, as the table's stream tells of changes.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/arrange"
	"roster/internal/boot"
	"roster/internal/function"
)

func main() { lambda.Start(function.Silent(arrange.New(boot.Env()).Stream)) }
