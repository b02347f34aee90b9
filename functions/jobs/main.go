// Function jobs serves who waits for a job: how far it is, and what each row came to.
package main

import (
	"roster/internal/boot"
	"roster/internal/file/s3file"
	"roster/internal/job"
)

func main() { boot.HTTP("jobs", s3file.With(job.Endpoints)) }
