exports.onExecutePostLogin = async (event, api) => {
  api.idToken.setCustomClaim("plan", event.user.app_metadata.plan);
};
