//go:build !planted

package book

// planted is the place of a bug that a build with the tag planted can have (planted.go). Here it is nothing: the compiler leaves it out.
func planted(string) bool { return false }

func plantedClock() int64 { return 0 }
