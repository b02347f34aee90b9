// Echo answers like a function behind API Gateway, and fails on an event that
// asks for it.
package main

import (
	"errors"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(event struct{ Fail bool }) (events.APIGatewayV2HTTPResponse, error) {
		if event.Fail {
			return events.APIGatewayV2HTTPResponse{}, errors.New("asked to fail")
		}
		return events.APIGatewayV2HTTPResponse{
			StatusCode: 200,
			Body:       `{"greeting":"` + os.Getenv("GREETING") + `"}`,
		}, nil
	})
}
