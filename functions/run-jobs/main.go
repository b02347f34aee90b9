// Function run-jobs works on the jobs that the table's stream calls for.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/boot"
	"roster/internal/feature/jobs"
	"roster/internal/function"
	"roster/internal/job"
)

func main() {
	runner := job.NewRunner(boot.Env(), jobs.All...)
	lambda.Start(function.Answering(runner.Stream))
}
