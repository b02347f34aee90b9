// Plain answers any HTTP request.
package main

import (
	"fmt"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(request events.APIGatewayV2HTTPRequest) (events.APIGatewayV2HTTPResponse, error) {
		if request.RouteKey != "$default" || request.RawPath != "/nowhere" || request.RequestContext.HTTP.Method != "GET" {
			return events.APIGatewayV2HTTPResponse{}, fmt.Errorf("unexpected request: %+v", request)
		}
		return events.APIGatewayV2HTTPResponse{StatusCode: 404}, nil
	})
}
