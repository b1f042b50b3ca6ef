"""The GitHub Action and the GitLab component: valid by their schemas, and run step by step."""
