// Function accounts serves people's accounts: registering, logging in and out, moving between organizations.
package main

import (
	"roster/internal/account"
	"roster/internal/boot"
)

func main() { boot.HTTP("accounts", account.Endpoints) }
