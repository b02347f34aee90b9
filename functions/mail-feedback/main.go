// Function mail-feedback shows on invitations what SES reports about their mails.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/boot"
	"roster/internal/feedback"
	"roster/internal/function"
)

func main() {
	s := feedback.Service{Env: boot.Env()}
	lambda.Start(function.Silent(s.Handle))
}
