// Package rdmaiotest states the contract of package rdmaio as tests, for every provider to pass.
//
// A provider's test describes its world as a Fabric and calls Run. The suite uses one goroutine, except where the Fabric says
// that its processes run at the same time: then writers race with revocations and readers for real.
//
// What a suite in one address space cannot show, a real process stopped, killed and started again, belongs to the tests of the
// providers that have real processes.
package rdmaiotest
