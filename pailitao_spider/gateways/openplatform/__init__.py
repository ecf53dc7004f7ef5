"""The two dialects of 1688's open platform (AOP, gw.open.1688.com)."""
