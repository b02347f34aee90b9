// Function notify sends the mails that changes put into the outbox, as the
// table's stream tells of them.
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
	lambda.Start(function.Answering(s.Stream))
}
