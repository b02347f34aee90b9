// Scheduled refuses what is no scheduled event.
package main

import (
	"errors"
	"os"

	"github.com/aws/aws-lambda-go/events"
	"github.com/aws/aws-lambda-go/lambda"
)

func main() {
	lambda.Start(func(event events.EventBridgeEvent) error {
		if event.DetailType != "Scheduled Event" {
			return errors.New("not a scheduled event")
		}
		_, err := os.Stdout.WriteString("checked\n")
		return err
	})
}
