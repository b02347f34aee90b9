// Hello is the least that a Lambda function in Go can be: the measure for how
// long the others take to start.
package main

import "github.com/aws/aws-lambda-go/lambda"

func main() {
	lambda.Start(func() (string, error) { return "hello", nil })
}
