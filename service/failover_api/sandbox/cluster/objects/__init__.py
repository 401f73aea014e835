"""What a Kubernetes object is: plain JSON, and the rules that need nothing else. No I/O, no clock."""
