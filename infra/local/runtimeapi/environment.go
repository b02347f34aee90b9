package runtimeapi

const (
	region    = "us-east-1"
	accountID = "000000000000"
)

// environment returns the process's variables. What cfg.Env says wins over
// the stand-ins for region and credentials, but not over what ties the
// process to this API. There is no session token among the stand-ins: it
// would spoil a caller's own key pair.
func environment(cfg Config, address string) []string {
	env := []string{
		"AWS_REGION=" + region,
		"AWS_ACCESS_KEY_ID=local",
		"AWS_SECRET_ACCESS_KEY=local",
	}
	env = append(env, cfg.Env...)
	return append(env,
		"AWS_LAMBDA_RUNTIME_API="+address,
		"AWS_LAMBDA_FUNCTION_NAME="+cfg.Name,
		"AWS_LAMBDA_FUNCTION_VERSION=$LATEST",
		"_HANDLER=bootstrap",
	)
}
