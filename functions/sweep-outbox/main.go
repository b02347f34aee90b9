// Function sweep-outbox sends the mails that are still waiting: those that failed
// for a time, and those whose sender ended early. It runs on a schedule.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/boot"
	"roster/internal/function"
	"roster/internal/mailer"
	"roster/internal/notify"
)

func main() {
	s := notify.Service{Env: boot.Env(), Mail: mailer.FromEnvironment()}
	lambda.Start(function.Silent(s.Sweep))
}
