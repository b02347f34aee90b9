// Function run-jobs works on the jobs that the table's stream calls for.
package main

import (
	"github.com/aws/aws-lambda-go/lambda"

	"roster/internal/boot"
	"roster/internal/feature/jobs"
	"roster/internal/file/s3file"
	"roster/internal/function"
	"roster/internal/job"
)

func main() {
	runner := job.NewRunner(s3file.Into(boot.Env()), jobs.All...)
	lambda.Start(function.Answering(runner.Stream))
}
