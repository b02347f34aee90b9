// Function sweep-jobs works on the jobs that nobody works on: those whose runner was
// cut off, and those whose call the stream lost. It runs on a schedule.
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
	lambda.Start(function.Silent(runner.Sweep))
}
