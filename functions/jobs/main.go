// Function jobs serves who waits for a job: how far it is, and what each row came to.
package main

import (
	"roster/internal/boot"
	"roster/internal/job"
)

func main() { boot.HTTP("jobs", job.Endpoints) }
