"""A move as a step of a GitHub Actions job: what action.yml runs. Standard library only, since it installs the rest.

    __main__        reads, calls, reports
      inputs        what the step's inputs ask for
      runtime       the `failover` that is called, installed when there is none
      credentials   the job's token, the App's key or the job's OIDC token, for one call
      report        the answer as outputs, summary and log
        markdown    the answer as a page
        runner      what the runner understands: commands, outputs, summary

Everything comes in by the environment, so no input ever meets a shell. The command line's `--json` and its exit codes
are the interface to the product.
"""
